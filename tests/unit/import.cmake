rehost_unit(import import conf preflight_rows diag base)
