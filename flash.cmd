@echo off
rem Starts the command line on Windows. FLASH_JAVA_HOME names the JDK to use, FLASH_JAVA_OPTS holds further options.
rem Written after the script flash; not tried on Windows yet.
setlocal EnableExtensions
set "HOME_FOLDER=%~dp0"
set "JAR=%HOME_FOLDER%flash-cli\target\flash-cli.jar"
set "JDK=%FLASH_JAVA_HOME%"
if not defined JDK set "JDK=%JAVA_HOME%"
if defined JDK (set "JAVA=%JDK%\bin\java.exe") else (set "JAVA=java.exe")
if defined JDK if not exist "%JAVA%" (
	echo flash: there is no %JAVA%. Set FLASH_JAVA_HOME or JAVA_HOME to a JDK 25 or newer. 1>&2
	exit /b 1
)
"%JAVA%" --list-modules 2>nul | findstr /b /c:"jdk.incubator.vector@" >nul
if errorlevel 1 (
	echo flash: no JDK 25 or newer found. Install one from https://adoptium.net and set JAVA_HOME to its folder. 1>&2
	exit /b 1
)
if not exist "%JAR%" (
	echo flash: building the command line, about a minute ... 1>&2
	call "%HOME_FOLDER%mvnw.cmd" -q -B -ntp -f "%HOME_FOLDER%pom.xml" -pl flash-cli -am -Dmaven.test.skip=true package 1>&2
	if errorlevel 1 exit /b 1
)
rem UTF-8 on the console, for what is typed and for what is answered
chcp 65001 >nul
"%JAVA%" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms32m -XX:-UsePerfData %FLASH_JAVA_OPTS% -jar "%JAR%" %*
exit /b %ERRORLEVEL%
