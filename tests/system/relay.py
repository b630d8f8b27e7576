#!/usr/bin/python3
"""A TCP relay that delays, cuts or stalls: relay.py LISTEN_PORT TARGET_HOST TARGET_PORT [--delay SECONDS] [--jitter SECONDS] [--cut-after BYTES] [--port-file F]

--delay is added in each direction without limiting the rate, --jitter to every other piece that goes towards the target. --cut-after resets a connection once so many bytes have gone towards the
target, the first time only. SIGUSR1 resets every connection now; SIGUSR2 stalls (accepts and forwards nothing) until the next SIGUSR2.
LISTEN_PORT 0 takes a free one. One thread, one poll loop; only the standard library.
"""
import collections
import selectors
import signal
import socket
import struct
import sys
import time

LIMIT = 8 << 20     # bytes held per direction: enough for the delay times any rate a test uses


class Side:
    """One direction of one connection: what was read from `source` waits here until it is due at `sink`."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.queue, self.held, self.ended, self.shut = collections.deque(), 0, False, False
        self.pieces, self.due = 0, 0.0


def main():
    args, options = [], {"--delay": 0.0, "--jitter": 0.0, "--cut-after": 0.0, "--port-file": None}
    it = iter(sys.argv[1:])
    for a in it:
        if a == "--port-file":
            options[a] = next(it)
        elif a in options:
            options[a] = float(next(it))
        else:
            args.append(a)
    delay, cut_after = options["--delay"], int(options["--cut-after"])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(args[0])))
    listener.listen(64)
    listener.setblocking(False)
    if options["--port-file"]:
        with open(options["--port-file"], "w") as f:
            f.write("%d\n" % listener.getsockname()[1])
    target = (args[1], int(args[2]))
    state = {"cut": False, "stall": False}
    signal.signal(signal.SIGUSR1, lambda *_: state.update(cut=True))
    signal.signal(signal.SIGUSR2, lambda *_: state.update(stall=not state["stall"]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    pairs, sent, cut_done = {}, 0, False     # pairs: socket -> (side read from it, side written to it)

    while True:
        now = time.monotonic()
        wake = 0.2
        for s, (reading, writing) in list(pairs.items()):
            events = 0
            if not reading.ended and reading.held < LIMIT:
                events |= selectors.EVENT_READ
            if writing.queue:
                due = writing.queue[0][0]
                if due <= now:
                    events |= selectors.EVENT_WRITE
                else:
                    wake = min(wake, due - now)
            elif writing.ended and not writing.shut:
                writing.shut = True
                try:
                    s.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            # The selector takes no empty mask: a socket that waits for nothing is taken out.
            key = selector.get_map().get(s.fileno())
            if events:
                if key is None:
                    selector.register(s, events, s)
                elif key.events != events:
                    selector.modify(s, events, s)
            elif key is not None:
                selector.unregister(s)
        for s, (reading, writing) in list(pairs.items()):
            if s in pairs and reading.shut and writing.shut:
                for x in (reading.source, reading.sink):
                    if x in pairs:
                        del pairs[x]
                        if selector.get_map().get(x.fileno()) is not None:
                            selector.unregister(x)
                        x.close()
        if state["stall"]:
            time.sleep(0.05)
            if not state["cut"]:
                continue
        ready = selector.select(max(wake, 0.0005))
        if state["cut"]:
            state["cut"] = False
            cut_all(pairs, selector)
            continue
        for key, events in ready:
            if key.data is None:
                try:
                    a, _ = listener.accept()
                except OSError:
                    continue
                try:
                    b = socket.create_connection(target, timeout=10)
                except OSError:
                    a.close()
                    continue
                for x in (a, b):
                    x.setblocking(False)
                    x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                up, down = Side(a, b), Side(b, a)
                up.upwards = True
                down.upwards = False
                pairs[a], pairs[b] = (up, down), (down, up)
                continue
            s = key.data
            if s not in pairs:
                continue
            reading, writing = pairs[s]
            try:
                if events & selectors.EVENT_READ:
                    data = s.recv(262144)
                    if data:
                        reading.pieces += 1
                        late = options["--jitter"] if reading.upwards and reading.pieces % 2 else 0.0
                        reading.due = max(reading.due, time.monotonic() + delay + late)
                        reading.queue.append((reading.due, data))
                        reading.held += len(data)
                    else:
                        reading.ended = True
                if events & selectors.EVENT_WRITE and writing.queue:
                    due, data = writing.queue.popleft()
                    n = s.send(data)
                    writing.held -= n
                    if writing.upwards:
                        sent += n
                    if n < len(data):
                        writing.queue.appendleft((due, data[n:]))
            except BlockingIOError:
                pass
            except OSError:
                cut_all({s: pairs[s], reading.sink: None}, selector, pairs)
            if cut_after and not cut_done and sent >= cut_after:
                cut_done = True
                cut_all(pairs, selector)
                break


def cut_all(which, selector, pairs=None):
    pairs = which if pairs is None else pairs
    for s in list(which):
        if s not in pairs:
            continue
        del pairs[s]
        if selector.get_map().get(s.fileno()) is not None:
            selector.unregister(s)
        try:
            # A reset, as a broken link gives; not an orderly end.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        s.close()


if __name__ == "__main__":
    main()
