"""The tabs of the page, one module each: `build(workbench, ...)` draws one inside the page's Blocks."""
