"""Customer-lifetime-value models: frames in, frames and fitted models out."""
