package io.github.flashspring.engine.device.cpu;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;

/**
 * Opens the CPU device, with vector kernels where the JVM has the Vector API.
 */
public final class CpuDeviceProvider implements DeviceProvider {

	static final String NAME = "cpu";

	private static final String VECTOR_MODULE = "jdk.incubator.vector";

	private static final Logger LOGGER = LoggerFactory.getLogger(CpuDeviceProvider.class);

	/** What the JIT compiler has compiled is a fact of the JVM, not of a device. */
	private static final Set<Kernel> COMPILED = ConcurrentHashMap.newKeySet();

	private static final AtomicBoolean WARNED = new AtomicBoolean();

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public int preference() {
		return 0;
	}

	@Override
	public boolean isAvailable() {
		return true;
	}

	@Override
	public Device create(Options options) {
		if (options.threads() < 0) {
			throw new IllegalArgumentException("Expected a number of threads from 0 on, found " + options.threads());
		}
		JvmOptions.check();
		int threads = (options.threads() > 0) ? options.threads() : Runtime.getRuntime().availableProcessors();
		return new CpuDevice(CpuDeviceProvider::kernels, threads);
	}

	/**
	 * Chooses kernels without touching a class of the Vector API where it is absent.
	 */
	private static Kernels kernels() {
		if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) {
			if (WARNED.compareAndSet(false, true)) {
				LOGGER.warn("The Vector API is not available, so the CPU device computes many times slower."
						+ " Start the JVM with --add-modules {}", VECTOR_MODULE);
			}
			return new PortableKernels();
		}
		if (!Addresses.allowed()) {
			if (WARNED.compareAndSet(false, true)) {
				LOGGER.warn("The JVM denies native access, so the CPU device computes many times slower."
						+ " Start it with --enable-native-access=ALL-UNNAMED");
			}
			return new PortableKernels();
		}
		if (!Lanes.suffice()) {
			return new PortableKernels();
		}
		Allocations allocations = Allocations.ofThisJvm();
		return (allocations != null) ? new SwitchingKernels(new VectorKernels(), VectorKernels.rowByRow(),
				new PortableKernels(), allocations, SwitchingKernels.IDLE_NANOS, COMPILED) : new VectorKernels();
	}

}
