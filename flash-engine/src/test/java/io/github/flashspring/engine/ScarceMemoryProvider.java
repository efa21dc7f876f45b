package io.github.flashspring.engine;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

/**
 * The CPU, with as many allocations as a test allows. Found by name alone.
 */
public final class ScarceMemoryProvider implements DeviceProvider {

	static final String NAME = "scarce";

	static final AtomicInteger ALLOCATIONS = new AtomicInteger(Integer.MAX_VALUE);

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
		return scarce(new CpuDeviceProvider().create(options), ALLOCATIONS);
	}

	/**
	 * A device with so many allocations.
	 * @param device does the work
	 * @param allocations how many are left
	 * @return the device
	 */
	public static Device scarce(Device device, AtomicInteger allocations) {
		return (Device) Proxy.newProxyInstance(Device.class.getClassLoader(), new Class<?>[] { Device.class },
				(proxy, method, arguments) -> {
					if (method.getName().equals("session")) {
						return scarce(device.session(), allocations);
					}
					if (method.getName().equals("allocate") && allocations.getAndDecrement() <= 0) {
						throw new DeviceException("No memory is left");
					}
					try {
						return method.invoke(device, arguments);
					}
					catch (InvocationTargetException ex) {
						throw ex.getTargetException();
					}
				});
	}

}
