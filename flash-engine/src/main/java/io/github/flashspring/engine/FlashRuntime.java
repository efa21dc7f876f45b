package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.BudgetArbiter;
import io.github.flashspring.engine.storage.DiskTurns;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * What several engines of a process share: the compute device with its threads, the reads
 * of each disk, and one RAM budget. The budget is divided anew whenever an engine is
 * loaded or closed, so that all of them together decode the most tokens per second
 * ({@link BudgetArbiter}); engines that run give memory back, or get more, between two
 * passes. Thread-safe.
 */
public final class FlashRuntime implements AutoCloseable {

	private final Device device;

	private final RamBudget budget;

	private final List<Member> members = new ArrayList<>();

	/** The reads of disks, by their names. */
	private final Map<String, DiskTurns> disks = new ConcurrentHashMap<>();

	private boolean closed;

	private FlashRuntime(Device device, RamBudget budget) {
		this.device = device;
		this.budget = budget;
	}

	/**
	 * Opens a runtime.
	 * @param device kind of device, such as {@code cpu}; null: the best that is available
	 * @param threads threads that compute; 0: one per processor
	 * @param budget memory of all engines together; unlimited or a number of bytes
	 * @return the runtime; the caller closes it after its engines
	 * @throws io.github.flashspring.engine.device.DeviceException if there is no such
	 * device, or it is not available
	 */
	public static FlashRuntime open(@Nullable String device, int threads, RamBudget budget) {
		if (budget.kind() == RamBudget.Kind.MINIMUM) {
			throw new IllegalArgumentException("A runtime needs a budget of a number of bytes, or an unlimited one");
		}
		return new FlashRuntime(Devices.open(device, threads), budget);
	}

	/**
	 * Loads a model on this runtime.
	 * @param config model and settings; its device, threads and budget are those of the
	 * runtime and must not be set
	 * @return the engine; the caller closes it. {@link FlashEngine#ramBudget} refuses to
	 * change its budget, which the runtime decides
	 * @throws io.github.flashspring.engine.memory.BudgetExceededException if the engines
	 * cannot run together in the budget; those that run go on as before
	 * @see FlashEngine#load
	 */
	public FlashEngine load(FlashConfig config) {
		if (config.device() != null || config.threads() != 0 || config.ramBudget() != null
				|| config.followMemoryPressure()) {
			throw new IllegalArgumentException(
					"device, threads, ram-budget and ram-budget-follow-pressure belong to the runtime; leave them out for "
							+ config.model());
		}
		return new ReloadableFlashEngine(() -> loadLocal(config));
	}

	private synchronized LocalFlashEngine loadLocal(FlashConfig config) {
		Member member = new Member();
		try {
			LocalFlashEngine engine = LocalFlashEngine.load(config, member);
			member.engine = engine;
			return engine;
		}
		finally {
			if (member.engine == null) {
				member.closed();
			}
		}
	}

	/** Divides the budget among the engines that were not closed. */
	private synchronized void divide() {
		if (this.budget.kind() == RamBudget.Kind.BYTES && !this.members.isEmpty()) {
			apply(BudgetArbiter.divide(this.budget.bytes(), this.members.stream().map(Member::share).toList()));
		}
	}

	/** Those that get less come first, so that the sum never exceeds the budget. */
	private void apply(long[] bytes) {
		for (boolean shrink : new boolean[] { true, false }) {
			for (int i = 0; i < this.members.size(); i++) {
				LocalFlashEngine engine = this.members.get(i).engine;
				if (engine != null && bytes[i] != engine.plan().budgetBytes()
						&& (bytes[i] < engine.plan().budgetBytes()) == shrink) {
					apply(engine, bytes[i]);
				}
			}
		}
	}

	private static void apply(LocalFlashEngine engine, long bytes) {
		try {
			engine.apply(RamBudget.ofBytes(bytes));
		}
		catch (FlashEngineException ex) {
			if (!engine.isClosed()) {
				throw ex;
			}
		}
	}

	/**
	 * Memory that the plans of all engines take.
	 * @return bytes
	 */
	public synchronized long plannedBytes() {
		return this.members.stream()
			.map((member) -> member.engine)
			.filter(Objects::nonNull)
			.mapToLong((engine) -> engine.plan().plannedBytes())
			.sum();
	}

	/** The reads of the disks that hold the engines' weights. */
	Collection<DiskTurns> disks() {
		return this.disks.values();
	}

	/** Ends the device. Engines must have been closed. */
	@Override
	public synchronized void close() {
		this.closed = true;
		this.device.close();
	}

	/** An engine of this runtime, from the moment when its budget is decided. */
	private final class Member implements EngineHost {

		private @Nullable LocalFlashEngine engine;

		private BudgetArbiter.@Nullable Share share;

		@Override
		public Device device(FlashConfig config) {
			if (FlashRuntime.this.closed) {
				throw new FlashEngineException("The runtime is closed.");
			}
			return FlashRuntime.this.device.session();
		}

		@Override
		public WeightFiles files(FlashConfig config, WeightLayout layout) {
			return new WeightFiles(layout, config.reading().direct(),
					(disk) -> FlashRuntime.this.disks.computeIfAbsent(disk, (_) -> new DiskTurns()));
		}

		/** Takes memory from the others before the engine allocates its own. */
		@Override
		public RamBudget budget(FlashConfig config, Supplier<BudgetArbiter.Share> asked) {
			if (FlashRuntime.this.budget.kind() == RamBudget.Kind.UNLIMITED) {
				return RamBudget.UNLIMITED;
			}
			BudgetArbiter.Share own = asked.get();
			this.share = own;
			List<BudgetArbiter.Share> shares = new ArrayList<>(
					FlashRuntime.this.members.stream().map(Member::share).toList());
			shares.add(own);
			long[] bytes = BudgetArbiter.divide(FlashRuntime.this.budget.bytes(), shares);
			apply(bytes);
			FlashRuntime.this.members.add(this);
			return RamBudget.ofBytes(bytes[bytes.length - 1]);
		}

		@Override
		public void requireOwnBudget() {
			throw new UnsupportedOperationException(
					"The budget of this engine is a part of its runtime's, which divides it among its engines");
		}

		@Override
		public void closed() {
			synchronized (FlashRuntime.this) {
				if (FlashRuntime.this.members.remove(this) && !FlashRuntime.this.closed) {
					divide();
				}
			}
		}

		private BudgetArbiter.Share share() {
			return Objects.requireNonNull(this.share);
		}

	}

}
