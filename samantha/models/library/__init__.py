"""Which models there are: Samantha Tiny in the package, and .gguf files in the user's folders. It loads none.

`walk` finds files, `places` knows the folders of other programs, `catalog` makes models of files and remembers what
their heads say, `watch` notices changes, `deleting` removes. Downloads and servers are not here.
"""

from samantha.models.library.catalog import TINY as TINY
from samantha.models.library.catalog import TINY_NOTE as TINY_NOTE
from samantha.models.library.catalog import TINY_PATH as TINY_PATH
from samantha.models.library.catalog import ModelFile as ModelFile
from samantha.models.library.catalog import find as find
from samantha.models.library.catalog import models as models
from samantha.models.library.catalog import names as names
from samantha.models.library.deleting import Deleted as Deleted
from samantha.models.library.deleting import delete as delete
from samantha.models.library.places import PROGRAMS as PROGRAMS
from samantha.models.library.places import Place as Place
from samantha.models.library.places import folders as folders
from samantha.models.library.places import places as places
from samantha.models.library.watch import Watch as Watch
