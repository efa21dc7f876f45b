package io.github.flashspring.engine.device.cpu;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

import org.jspecify.annotations.Nullable;

/**
 * What a thread allocates on the heap. It tells exactly whether vector code is compiled:
 * the optimising compiler keeps vectors in registers, the interpreter and the first
 * compiler make an object of each.
 */
@FunctionalInterface
interface Allocations {

	/**
	 * Heap memory that the calling thread has allocated so far.
	 * @return bytes
	 */
	long bytes();

	/**
	 * The allocations of this JVM.
	 * @return null if it does not count them
	 */
	static @Nullable Allocations ofThisJvm() {
		try {
			ThreadMXBean threads = ManagementFactory.getThreadMXBean();
			return (threads instanceof com.sun.management.ThreadMXBean counting
					&& counting.isThreadAllocatedMemorySupported() && counting.isThreadAllocatedMemoryEnabled())
							? counting::getCurrentThreadAllocatedBytes : null;
		}
		catch (LinkageError ex) {
			return null; // a JDK without the module jdk.management
		}
	}

}
