"""The fabric: the network between the lab's components.

Every connection runs through a link `source -> destination`, a relay on the loopback interface
whose condition can be changed while it is in use. One process holds all links (`python -m
chaos.lab.fabric`); `chaos.lab.fabric.client` drives it.
"""
