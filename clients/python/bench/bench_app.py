"""The application that a worker loads: that of BENCH_SYSTEM."""

import os

import systems

app = getattr(systems, os.environ["BENCH_SYSTEM"])()
