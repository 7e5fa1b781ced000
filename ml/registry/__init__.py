"""The record of contests and models in MLflow, and the ids that make it repeatable.

Belongs here: everything that knows MLflow. Nothing outside this package imports it, and here it is
imported inside functions, because it takes seconds.
"""
