"""The faults: one file per AWS service, each action a small class.

The file that holds `aws:ec2:...` is `ec2.py`; an action is found by its id, so adding one is adding
a class. Other packages add theirs through the entry point group `chaos.actions`.
"""
