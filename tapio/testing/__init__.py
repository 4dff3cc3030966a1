"""What tests of Tapio, and of plug-ins for it, need: real servers and short ways to make events."""
