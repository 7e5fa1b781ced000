"""What people are told, in words that say what to do, once each, over the channels they chose."""
