rehost_unit(mounts mounts confine meta mount)
