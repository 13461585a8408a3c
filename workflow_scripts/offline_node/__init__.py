"""The study on a machine without a network: a Python with torch, a folder of wheels, and a copy of CIFAR-10.

Needs only the standard library until the wheels are installed.
"""
