package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Elementwise;
import io.github.flashspring.engine.device.Tensor;

/**
 * Checks operands of activations and scaling and shares out their rows.
 */
final class CpuElementwise implements Elementwise {

	/** What an exponential costs, in multiply-adds. */
	private static final long EXPONENTIAL = 8;

	private final ElementwiseKernels kernels;

	private final PoolSession pool;

	private final Scratch[] scratch;

	CpuElementwise(ElementwiseKernels kernels, PoolSession pool, Scratch[] scratch) {
		this.kernels = kernels;
		this.pool = pool;
		this.scratch = scratch;
	}

	@Override
	public void activate(Tensor out, Tensor x, Activation activation) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, source.count(), source.columns());
		this.pool.run(target.count(), CpuDevice.grain(cost(activation) * target.columns()), (from, to,
				worker) -> this.kernels.activate(target, source, activation, from, to, this.scratch[worker]));
	}

	@Override
	public void gate(Tensor out, Tensor gate, Tensor up, Activation activation) {
		Rows target = Rows.of(out);
		Rows gates = Rows.of(gate);
		Rows ups = Rows.of(up);
		Checks.gated(target, gates, ups);
		this.pool.run(target.count(), CpuDevice.grain(cost(activation) * target.columns()), (from, to,
				worker) -> this.kernels.gate(target, gates, ups, activation, from, to, this.scratch[worker]));
	}

	/** What an activation costs, in multiply-adds. */
	private static long cost(Activation activation) {
		return switch (activation) {
			case RELU, SQUARED_RELU -> 1;
			case SILU, GELU_TANH, QUICK_GELU -> EXPONENTIAL;
			case GELU -> 16 * EXPONENTIAL;
		};
	}

	@Override
	public void clampedSwiGlu(Tensor out, Tensor gate, Tensor up, float alpha, float limit) {
		Rows target = Rows.of(out);
		Rows gates = Rows.of(gate);
		Rows ups = Rows.of(up);
		Checks.gated(target, gates, ups);
		Checks.positive("limit", limit);
		this.pool.run(target.count(), CpuDevice.grain(EXPONENTIAL * target.columns()),
				(from, to, worker) -> this.kernels.clampedSwiGlu(target, gates, ups, alpha, limit, from, to,
						this.scratch[worker]));
	}

	@Override
	public void softcap(Tensor x, float cap) {
		Rows target = Rows.of(x);
		Checks.writable("x", target);
		Checks.activation("x", target);
		Checks.positive("cap", cap);
		this.pool.run(target.count(), CpuDevice.grain(2 * EXPONENTIAL * target.columns()),
				(from, to, worker) -> this.kernels.softcap(target, cap, from, to, this.scratch[worker]));
	}

	@Override
	public void scale(Tensor x, float factor) {
		Rows target = Rows.of(x);
		Checks.writable("x", target);
		Checks.activation("x", target);
		this.pool.run(target.count(), CpuDevice.grain(target.columns()),
				(from, to, worker) -> this.kernels.scale(target, factor, from, to));
	}

	@Override
	public void addScaled(Tensor x, Tensor y, float factor) {
		Rows target = Rows.of(x);
		Rows source = Rows.of(y);
		Checks.writable("x", target);
		Checks.activation("x", target);
		Checks.activation("y", source, target.count(), target.columns());
		this.pool.run(target.count(), CpuDevice.grain(target.columns()),
				(from, to, worker) -> this.kernels.addScaled(target, source, factor, from, to));
	}

	@Override
	public void split(Tensor even, Tensor odd, Tensor x) {
		Rows source = Rows.of(x);
		Rows evens = Rows.of(even);
		Rows odds = Rows.of(odd);
		Checks.writable("even", evens);
		Checks.writable("odd", odds);
		Checks.activation("even", evens, source.count(), source.columns() / 2);
		Checks.activation("odd", odds, source.count(), source.columns() / 2);
		Checks.activation("x", source, source.count(), 2 * evens.columns());
		this.pool.run(source.count(), CpuDevice.grain(source.columns()),
				(from, to, worker) -> this.kernels.split(evens, odds, source, from, to));
	}

}
