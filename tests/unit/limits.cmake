rehost_unit(limits limits_host)
