rehost_unit(pace pace)
