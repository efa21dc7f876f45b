package io.github.flashspring.engine.device.cpu;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;

/**
 * The CPU with kernels that are switched when a test says so. Found by name alone.
 */
public final class SwitchingDeviceProvider implements DeviceProvider {

	public static final String NAME = "switching";

	/**
	 * How many calls portable kernels are left before all vector kernels count as
	 * compiled.
	 */
	public static final AtomicInteger CALLS = new AtomicInteger();

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public int preference() {
		return Integer.MIN_VALUE;
	}

	@Override
	public boolean isAvailable() {
		return true;
	}

	@Override
	public Device create(Options options) {
		AtomicReference<SwitchingKernels> kernels = new AtomicReference<>();
		Kernels portable = new PortableKernels();
		Kernels counted = (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(),
				new Class<?>[] { Kernels.class }, (proxy, method, arguments) -> {
					if (CALLS.decrementAndGet() == 0) {
						kernels.get().cold().forEach(kernels.get()::ready);
					}
					try {
						return method.invoke(portable, arguments);
					}
					catch (InvocationTargetException ex) {
						throw ex.getTargetException();
					}
				});
		AtomicLong allocated = new AtomicLong();
		kernels.set(new SwitchingKernels(new VectorKernels(), VectorKernels.rowByRow(), counted,
				() -> allocated.addAndGet(1 << 20), Long.MAX_VALUE, ConcurrentHashMap.newKeySet()));
		return new CpuDevice(kernels.get(), Math.max(1, options.threads()));
	}

}
