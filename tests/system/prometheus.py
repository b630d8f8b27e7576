#!/usr/bin/env python3
"""prometheus.py FILE: checks the text format of Prometheus 0.0.4, as promtool does, and prints NAME{LABELS} VALUE, labels sorted."""
import re, sys
data = open(sys.argv[1], "rb").read()
assert data.endswith(b"\n"), "the last line must end"
helps, types, closed, seen, current = {}, {}, set(), set(), None
label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
for line in data.decode("utf-8")[:-1].split("\n"):
    m = re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line)
    if m:
        kind, name, text = m.groups()
        if name != current:
            assert name not in closed, "the lines of a metric must be together: " + name
            if current: closed.add(current)
            current = name
        where = helps if kind == "HELP" else types
        assert name not in where, line
        assert kind == "HELP" or text in ("counter", "gauge", "histogram", "summary", "untyped"), line
        where[name] = text
        continue
    m = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(%s(?:,%s)*)\})? (\S+)" % (label, label), line)
    assert m, "not understood: " + line
    name, labels, value = m.groups()
    assert name == current and name in helps and name in types, "no HELP and TYPE before: " + line
    float(value)
    labels = sorted(re.findall(label, labels or ""))
    assert len(set(l.split("=")[0] for l in labels)) == len(labels), line
    key = "%s{%s}" % (name, ",".join(labels))
    assert key not in seen, "twice: " + key
    seen.add(key)
    print(key, value)
