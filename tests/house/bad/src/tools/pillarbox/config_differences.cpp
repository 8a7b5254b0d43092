const bool kWarn = conf.is_on(Option::only_warned_of);
