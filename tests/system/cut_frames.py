#!/usr/bin/python3
"""Stands before the receiver and cuts the link after so many frames: cut_frames.py CONTROL RECEIVER ARGS...

CONTROL is a file that holds a number: the link is cut, once, when that many frames have passed, in both directions together; 0: never.
What has passed is written to CONTROL.count. Cut means that both ends see the end of the stream behind a whole frame.
"""
import os
import selectors
import struct
import subprocess
import sys

MAGIC = 8       # bytes that the receiver sends before its first frame


class Way:
    """One direction: whole frames are handed on, one at a time."""

    def __init__(self, source, sink, skip):
        self.source, self.sink, self.skip, self.held = source, sink, skip, b""

    def take(self):
        """The next whole frame, or None."""
        if self.skip:
            piece, self.held = self.held[:self.skip], self.held[self.skip:]
            self.skip -= len(piece)
            write(self.sink, piece)
        if len(self.held) < 10:
            return None
        end = 10 + struct.unpack("<I", self.held[2:6])[0]
        if len(self.held) < end:
            return None
        frame, self.held = self.held[:end], self.held[end:]
        return frame


def write(fd, data):
    while data:
        data = data[os.write(fd, data):]


def finish(control, passed, cut):
    with open(control + ".count", "w") as f:
        f.write("%d\n" % passed)
    if cut:
        with open(control, "w") as f:
            f.write("0\n")
    os._exit(0)


def main():
    control, receiver = sys.argv[1], sys.argv[2:]
    if "--version" in receiver:
        os.execv(receiver[0], receiver)
    with open(control) as f:
        limit = int(f.read())
    child = subprocess.Popen(receiver, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    ways = [Way(0, child.stdin.fileno(), 0), Way(child.stdout.fileno(), 1, MAGIC)]
    selector = selectors.DefaultSelector()
    for way in ways:
        selector.register(way.source, selectors.EVENT_READ, way)
    passed = 0
    while True:
        for key, _ in selector.select():
            way = key.data
            data = os.read(way.source, 262144)
            way.held += data
            frame = way.take()
            while frame:
                write(way.sink, frame)
                passed += 1
                if passed == limit:
                    finish(control, passed, True)
                frame = way.take()
            if not data and way is ways[0]:
                selector.unregister(0)
                child.stdin.close()
            elif not data:
                write(1, way.held)      # what is no frame: why it does not begin
                child.wait()
                finish(control, passed, False)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(0)
