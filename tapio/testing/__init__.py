"""What tests of Tapio, and of plug-ins for it, need: real servers."""
