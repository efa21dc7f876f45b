package io.github.flashspring.engine.device.cpu;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns of options of the JVM that make a CPU compute many times slower. Tools set them
 * unasked: those that start an application quickly turn the optimising compiler off.
 */
final class JvmOptions {

	private static final Logger logger = LoggerFactory.getLogger(CpuDevice.class);

	private static final Pattern SLOW = Pattern
		.compile("-Xint|-XX:TieredStopAtLevel=[0-3]|-XX:-UseCompiler|-XX:-EnableVectorSupport");

	private JvmOptions() {
	}

	/** Warns if an option makes computing slow. */
	static void check() {
		List<String> arguments;
		try {
			arguments = ManagementFactory.getRuntimeMXBean().getInputArguments();
		}
		catch (LinkageError ex) {
			logger.debug("This Java does not report its options", ex); // without the
																		// module
			return;
		}
		String slow = slow(arguments);
		if (slow != null) {
			logger.warn("The JVM runs with {}, which makes the CPU device compute many times slower. Leave it out."
					+ " IDEs, spring-boot:run and bootRun add it for a quicker start unless their launch optimization is off"
					+ " (optimizedLaunch=false).", slow);
		}
	}

	/**
	 * Finds an option that makes compute slow.
	 * @param arguments options of the JVM; of one that comes twice, the last counts
	 * @return the option, null if there is none
	 */
	static @Nullable String slow(List<String> arguments) {
		String slow = null;
		for (String argument : arguments) {
			if (SLOW.matcher(argument).matches()) {
				slow = argument;
			}
			else if (argument.equals("-XX:TieredStopAtLevel=4") && slow != null
					&& slow.startsWith("-XX:TieredStopAtLevel")) {
				slow = null;
			}
		}
		return slow;
	}

}
