package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.StateSpace;
import io.github.flashspring.engine.device.Tensor;

/**
 * Checks operands of convolutions and recurrences and shares out their columns and heads;
 * rows follow each other.
 */
final class CpuStateSpace implements StateSpace {

	private final StateSpaceKernels kernels;

	private final PoolSession pool;

	private final Scratch[] scratch;

	CpuStateSpace(StateSpaceKernels kernels, PoolSession pool, Scratch[] scratch) {
		this.kernels = kernels;
		this.pool = pool;
		this.scratch = scratch;
	}

	@Override
	public void convolution(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor state, boolean first,
			Activation activation) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Rows filters = Rows.of(weight);
		Rows added = (bias != null) ? Rows.of(bias) : null;
		Rows last = Rows.of(state);
		int columns = source.columns();
		Checks.writable("out", target);
		Checks.writable("state", last);
		Checks.activation("x", source);
		Checks.activation("out", target, source.count(), columns);
		Checks.number("weight", filters);
		Checks.shape("weight", filters, columns, filters.columns());
		Checks.activation("state", last, filters.columns() - 1, columns);
		if (added != null) {
			Checks.number("bias", added);
			Checks.shape("bias", added, 1, columns);
		}
		int blocks = Math.ceilDiv(columns, StateSpaceKernels.BLOCK);
		long work = (long) source.count() * StateSpaceKernels.BLOCK * (filters.columns() + 8);
		this.pool.run(blocks, CpuDevice.grain(work),
				(from, to, worker) -> this.kernels.convolution(target, source, filters, added, last, first, activation,
						from * StateSpaceKernels.BLOCK, Math.min(columns, to * StateSpaceKernels.BLOCK),
						this.scratch[worker]));
	}

	@Override
	public void selectiveScan(Tensor out, ScanInput in, ScanParameters parameters, Tensor state, boolean first) {
		StateSpaceKernels.ScanJob job = new StateSpaceKernels.ScanJob(Rows.of(out), Rows.of(in.x()), Rows.of(in.b()),
				Rows.of(in.c()), Rows.of(in.dt()), Rows.of(parameters.aLog()), Rows.of(parameters.d()),
				Rows.of(parameters.dtBias()), parameters.minStep(), parameters.maxStep(), Rows.of(state), first);
		check(job);
		long work = 3L * job.x().count() * job.headDim() * job.stateSize();
		this.pool.run(job.heads(), CpuDevice.grain(work),
				(from, to, worker) -> this.kernels.selectiveScan(job, from, to, this.scratch[worker]));
	}

	private static void check(StateSpaceKernels.ScanJob job) {
		int rows = job.x().count();
		int heads = job.heads();
		Checks.writable("out", job.out());
		Checks.writable("state", job.state());
		Checks.activation("x", job.x());
		Checks.activation("out", job.out(), rows, job.x().columns());
		Checks.activation("dt", job.dt(), rows, heads);
		Checks.activation("b", job.b(), rows, job.b().columns());
		Checks.activation("c", job.c(), rows, job.b().columns());
		Checks.activation("state", job.state(), job.x().columns(), job.stateSize());
		for (Rows parameter : new Rows[] { job.aLog(), job.d(), job.dtBias() }) {
			Checks.number("a parameter of the scan", parameter);
			Checks.shape("a parameter of the scan", parameter, 1, heads);
		}
		if (heads < 1 || job.x().columns() % heads != 0 || job.b().columns() % job.stateSize() != 0
				|| heads % (job.b().columns() / job.stateSize()) != 0) {
			throw new IllegalArgumentException("Cannot share " + job.x().columns() + " values and " + job.b().columns()
					+ " inputs of a state of " + job.stateSize() + " among " + heads + " heads");
		}
	}

}
