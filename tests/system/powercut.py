#!/usr/bin/python3
"""The power of a file system fails: powercut.py MOUNTPOINT

Shuts it down without writing its log: what has not reached its device by now never will, as after a power failure. Everything fails
with EIO from then on, until it is unmounted and mounted again. ext4 and xfs can do that.
"""
import fcntl
import os
import struct
import sys

SHUTDOWN, NO_LOG_FLUSH = 0x8004587d, 2      # EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN

fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
fcntl.ioctl(fd, SHUTDOWN, struct.pack("=I", NO_LOG_FLUSH))
