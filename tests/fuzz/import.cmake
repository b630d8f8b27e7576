rehost_fuzz(import import conf preflight_rows diag base)
