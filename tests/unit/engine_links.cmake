rehost_unit(engine_links engine)
