@echo off
rem Installs what is missing, then opens the workbench; with arguments, runs samantha with them.
"%~dp0install_samantha.bat" --open %*
