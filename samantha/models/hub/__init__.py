"""Models from the Hugging Face hub, and from https links that the user confirmed: looked up, fetched, checked, kept.

    download = hub.resolve("user/repo:Q4_K_M", cancelled)      # before a run starts; errors are sentences
    for item in hub.fetch(download, cancelled):                # Progress ..., at last the path of the file
        ...

`Links` does both for the runs of a program, `Prefetch` fetches ahead, `keep` and `for_testing` make the user's files.

What is not here: which files there are on this computer (`models/library.py`), and loading them.
"""

from samantha.models.hub.cache import Cache as Cache
from samantha.models.hub.downloads import Download as Download
from samantha.models.hub.downloads import Progress as Progress
from samantha.models.hub.downloads import RemoteFile as RemoteFile
from samantha.models.hub.faults import Patience as Patience
from samantha.models.hub.fetching import check_room as check_room
from samantha.models.hub.fetching import fetch as fetch
from samantha.models.hub.hosts import confirm as confirm
from samantha.models.hub.keeping import FOR_TESTING as FOR_TESTING
from samantha.models.hub.keeping import for_testing as for_testing
from samantha.models.hub.keeping import keep as keep
from samantha.models.hub.links import Links as Links
from samantha.models.hub.listing import Listed as Listed
from samantha.models.hub.listing import listed as listed
from samantha.models.hub.prefetching import Prefetch as Prefetch
from samantha.models.hub.references import is_remote as is_remote
from samantha.models.hub.references import items as items
from samantha.models.hub.references import shown as shown
from samantha.models.hub.resolving import Unusable as Unusable
from samantha.models.hub.resolving import resolve as resolve
from samantha.models.hub.resolving import resolve_list as resolve_list
from samantha.models.hub.searching import Found as Found
from samantha.models.hub.searching import search as search
