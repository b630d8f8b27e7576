rehost_unit(engine_reconnect engine)
