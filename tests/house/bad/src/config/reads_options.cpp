// Option::listed_only is named in a comment only.
const bool kOn = conf.is_on(Option::read_and_listed) || conf.is_on(Option::read_in_secret);
