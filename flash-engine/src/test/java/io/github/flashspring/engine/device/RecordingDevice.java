package io.github.flashspring.engine.device;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

/**
 * A device as slow as can be: nothing that is recorded is computed before somebody waits
 * for it, then on a thread of its own. Whoever relies on work being done when a call
 * returns, rewrites or closes memory before its fence, or does not say that it wrote
 * memory, gets an {@link IllegalStateException} or numbers that are none. The arithmetic
 * is that of another device.
 */
public final class RecordingDevice implements InvocationHandler {

	private final Device device;

	private final @Nullable Device checker;

	private final Predicate<String> ignored;

	private final Recorder recorder;

	private final Device seen;

	private final Elementwise elementwise;

	private final StateSpace stateSpace;

	private RecordingDevice(Device device, @Nullable Device checker, Predicate<String> ignored) {
		this.device = device;
		this.checker = checker;
		this.ignored = ignored;
		this.recorder = new Recorder(device, ignored);
		this.seen = proxy(Device.class, this);
		this.elementwise = proxy(Elementwise.class,
				(proxy, method, arguments) -> record(Device::elementwise, method, arguments));
		this.stateSpace = proxy(StateSpace.class,
				(proxy, method, arguments) -> record(Device::stateSpace, method, arguments));
	}

	/**
	 * Records for a device.
	 * @param device computes; closed together with the recording one
	 * @return the device that records
	 */
	public static Device of(Device device) {
		return of(device, (site) -> false);
	}

	/**
	 * Records for a device what another one has taken before, so that wrong operands are
	 * refused when they are recorded.
	 * @param device computes; closed together with the recording one
	 * @param checker computes on memory without values; closed likewise
	 * @return the device that records
	 */
	public static Device checked(Device device, Device checker) {
		return new RecordingDevice(device, checker, (site) -> false).seen;
	}

	/**
	 * Records for a device, and breaks some waits.
	 * @param device computes; closed together with the recording one
	 * @param ignored asked with the class and method that waits for a fence; if true, it
	 * does not wait
	 * @return the device that records
	 */
	public static Device of(Device device, Predicate<String> ignored) {
		return new RecordingDevice(device, null, ignored).seen;
	}

	private static <T> T proxy(Class<T> type, InvocationHandler handler) {
		return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type }, handler));
	}

	@Override
	public @Nullable Object invoke(Object proxy, Method method, Object[] arguments) {
		return switch (method.getName()) {
			case "info" -> new Device.Info(RecordingDeviceProvider.NAME, this.device.info().name());
			case "scratchBytes" -> this.device.scratchBytes((Device.Limits) arguments[0]);
			case "allocate" -> RecordedBuffer.allocate(this.device, this.recorder, (long) arguments[0]);
			case "allocateShared" -> RecordedBuffer.allocateShared(this.device, this.recorder, (long) arguments[0]);
			case "reserveShared" -> new Region();
			case "wrap" -> RecordedBuffer.wrap(this.device, this.recorder, (MemorySegment) arguments[0]);
			case "written" -> {
				((RecordedBuffer) arguments[0]).written((long) arguments[1], (long) arguments[2]);
				yield null;
			}
			case "elementwise" -> this.elementwise;
			case "stateSpace" -> this.stateSpace;
			case "warmUp" -> (Runnable) () -> {
			};
			case "session" -> new RecordingDevice(this.device.session(),
					(this.checker != null) ? this.checker.session() : null, this.ignored).seen;
			case "commit" -> this.recorder.commit();
			case "read" -> {
				read(arguments);
				yield null;
			}
			case "close" -> {
				this.recorder.close();
				if (this.checker != null) {
					this.checker.close();
				}
				yield null;
			}
			case "toString" -> "recording " + this.device;
			case "hashCode" -> System.identityHashCode(proxy);
			case "equals" -> proxy == arguments[0];
			default -> record((target) -> target, method, arguments);
		};
	}

	private void read(Object[] arguments) {
		List<Device.Readback> reads = new ArrayList<>();
		if (arguments[0] instanceof List<?> list) {
			list.forEach((read) -> reads.add((Device.Readback) read));
		}
		else {
			reads.add(new Device.Readback((Tensor) arguments[0], (float[]) arguments[1]));
		}
		if (this.checker != null) {
			RecordedArguments checked = new RecordedArguments(this.checker);
			this.checker.read(reads.stream()
				.map((read) -> new Device.Readback(checked.tensor(read.source()), new float[read.target().length]))
				.toList());
		}
		RecordedArguments recorded = new RecordedArguments(null);
		List<Device.Readback> real = reads.stream()
			.map((read) -> new Device.Readback(recorded.tensor(read.source()), read.target()))
			.toList();
		this.recorder.record(recorded.uses(), () -> this.device.read(real));
		this.recorder.run(this.recorder.commit());
	}

	private @Nullable Object record(Function<Device, Object> target, Method method, Object[] arguments) {
		if (method.getReturnType() != void.class) {
			throw new IllegalStateException("An operation returns nothing, unlike " + method);
		}
		if (this.checker != null) {
			call(target.apply(this.checker), method, new RecordedArguments(this.checker).copy(arguments));
		}
		RecordedArguments recorded = new RecordedArguments(null);
		@Nullable Object[] copies = recorded.copy(arguments);
		this.recorder.record(recorded.uses(), () -> call(target.apply(this.device), method, copies));
		return null;
	}

	private static void call(Object target, Method method, @Nullable Object[] arguments) {
		try {
			method.invoke(target, arguments);
		}
		catch (InvocationTargetException ex) {
			if (ex.getCause() instanceof RuntimeException cause) {
				throw cause;
			}
			throw new IllegalStateException(ex.getCause());
		}
		catch (IllegalAccessException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/** Each part has memory of its own. */
	private final class Region implements SharedRegion {

		@Override
		public SharedBuffer allocate(long bytes) {
			return RecordedBuffer.allocateShared(RecordingDevice.this.device, RecordingDevice.this.recorder, bytes);
		}

		@Override
		public void close() {
			// Each part frees its own memory.
		}

	}

}
