"""Why a value is predicted as it is: SHAP values, what they add up to, and reasons in words."""
