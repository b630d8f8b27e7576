rehost_unit(chan ipc)
