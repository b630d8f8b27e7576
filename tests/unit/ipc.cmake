rehost_unit(ipc ipc)
