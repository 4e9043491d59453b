#!/bin/sh
telemetry track start --tool mytool
