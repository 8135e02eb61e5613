"""Questions asked of trained models: values and plans in mazes."""
