#!/bin/sh
# What CI runs after each merge to staging. Here staging is the lab; with an account of its own,
# leave out the lines that bring the lab up and down, and give pytest --chaos-env staging.
set -eu
cd "$(dirname "$0")/.."

python -m pytest --quiet

chaos lab up
trap 'chaos lab down' EXIT
eval "$(chaos lab env)"
python deploy.py

python -m pytest staging experiments --junitxml staging.xml
