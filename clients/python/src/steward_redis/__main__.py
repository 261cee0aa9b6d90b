"""`python -m steward_redis`"""

from .command import main

main()
