rehost_unit(operator operator facts)
