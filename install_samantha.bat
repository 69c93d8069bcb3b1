@echo off
rem Finds a Python and lets install.py do the work; every argument is passed on.
setlocal
set "PYTHON=python"
where /q py && set "PYTHON=py -3"
%PYTHON% "%~dp0install.py" %*
rem A window opened by a double click stays open when something went wrong.
if errorlevel 1 if "%~2"=="" pause
