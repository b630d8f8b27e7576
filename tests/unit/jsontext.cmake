rehost_unit(jsontext base)
