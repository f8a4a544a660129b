"""Whose containers, images, volumes and networks a command touches.

touched   what has to be looked up, and the filters that keep a prune inside
resolved  the verdict on what was found
rights    the policy's word on one object
"""
