"""A stand-in of a WooCommerce site: REST v3 under ``/wp-json/wc/v3``, as WordPress serves it."""
