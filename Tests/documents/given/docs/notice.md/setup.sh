#!/bin/sh
# Nobody has answered yet.
rm -r ~/.config/telemetry/mytool
