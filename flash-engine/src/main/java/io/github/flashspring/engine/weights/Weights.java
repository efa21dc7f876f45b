package io.github.flashspring.engine.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * The weights of one weight group while it computes. Matrices are not handed out, since
 * they may be in memory only row by row: the group asks for the linear layer instead.
 * Vectors are always in memory.
 */
public final class Weights {

	private final Device device;

	private final @Nullable Tensor[] vectors;

	private final Matrices matrices;

	public Weights(Device device, @Nullable Tensor[] vectors, Matrices matrices) {
		this.device = device;
		this.vectors = vectors;
		this.matrices = matrices;
	}

	/**
	 * Applies a linear layer of the group:
	 * {@code out[r, o] = Σ x[r, i] · weight[o, i] + bias[o]}. Call them in the order in
	 * which the group declared them: that is the order in which weights are read.
	 * @param out F32 [n, rows of the weight]; not {@code x}
	 * @param x F32 [n, columns of the weight]
	 * @param weight handle of a matrix that the group gave out
	 * @param bias handle of a vector that the group gave out, or null
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the weights
	 * cannot be read
	 */
	public void linear(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
		linear(new Product(out, x, weight, bias));
	}

	/**
	 * Applies linear layers of the group of which none needs what another computes. Their
	 * rows are computed as they come into memory, in any order: no value depends on
	 * another, so that the bits are the same.
	 * @param products the layers, in the order in which the group declared them
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the weights
	 * cannot be read
	 */
	public void linear(Product... products) {
		if (products.length == 1 && products[0].transposed()) {
			Product only = products[0];
			linearTransposed(only.out(), only.x(), only.weight(), only.bias());
			return;
		}
		int[] weights = indices(products);
		List<Rows> tiles = (products.length > 1) ? this.matrices.together(weights) : null;
		if (tiles == null) {
			this.matrices.forEach(weights, (index, firstRow, rows) -> {
				Device.Matmul layer = layer(products[index], firstRow, rows);
				this.device.matmul(layer.out(), layer.x(), layer.weight(), layer.bias());
			});
			return;
		}
		List<Device.Matmul> layers = new ArrayList<>(tiles.size());
		tiles.forEach((tile) -> layers.add(layer(products[tile.index()], tile.firstRow(), tile.rows())));
		this.device.matmul(layers);
		this.matrices.used(weights, new Commit(this.device));
	}

	/**
	 * Applies linear layers of several groups of which none needs what another computes:
	 * all that are in memory together, then the others.
	 * @param uses the groups and their layers
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the weights
	 * cannot be read
	 */
	public static void linear(List<Use> uses) {
		List<Use> waiting = new ArrayList<>();
		List<Use> present = new ArrayList<>(uses.size());
		List<Device.Matmul> layers = new ArrayList<>(2 * uses.size());
		for (Use use : uses) {
			Weights group = use.weights();
			boolean alone = uses.size() == 1 || use.products()[0].transposed();
			List<Rows> tiles = alone ? null : group.matrices.together(indices(use.products()));
			if (tiles == null) {
				waiting.add(use);
				continue;
			}
			tiles
				.forEach((tile) -> layers.add(group.layer(use.products()[tile.index()], tile.firstRow(), tile.rows())));
			present.add(use);
		}
		if (!present.isEmpty()) {
			Device device = present.getFirst().weights().device;
			device.matmul(layers);
			Commit commit = new Commit(device);
			present.forEach((use) -> use.weights().matrices.used(indices(use.products()), commit));
		}
		waiting.forEach((use) -> use.weights().linear(use.products()));
	}

	private static int[] indices(Product[] products) {
		int[] weights = new int[products.length];
		for (int i = 0; i < products.length; i++) {
			weights[i] = products[i].weight().index();
		}
		return weights;
	}

	private Device.Matmul layer(Product product, int firstRow, Matrix rows) {
		Parameter bias = product.bias();
		Tensor added = (bias != null) ? vector(bias) : null;
		boolean whole = rows.rows() == product.weight().rows();
		return new Device.Matmul(whole ? product.out() : product.out().columns(firstRow, rows.rows()), product.x(),
				rows, (whole || added == null) ? added : added.columns(firstRow, rows.rows()));
	}

	/**
	 * Multiplies with the columns of a matrix of the group:
	 * {@code out[r, i] = Σ x[r, o] · weight[o, i] + bias[i]}.
	 * @param out F32 [n, columns of the weight]; not {@code x}
	 * @param x F32 [n, rows of the weight]
	 * @param weight handle of a matrix that the group gave out
	 * @param bias handle of a vector that the group gave out, or null
	 */
	public void linearTransposed(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
		if (bias != null) {
			this.device.broadcast(out, vector(bias));
		}
		this.matrices.forEach(weight.index(), (firstRow, rows) -> this.device.matmulTransposed(out,
				x.columns(firstRow, rows.rows()), rows, bias != null || firstRow > 0));
	}

	/**
	 * A vector of the group.
	 * @param parameter handle that the group gave out
	 * @return [1, columns]
	 */
	public Tensor vector(Parameter parameter) {
		Tensor vector = this.vectors[parameter.index()];
		if (vector == null) {
			throw new IllegalArgumentException(parameter.name() + " is not a vector");
		}
		return vector;
	}

	/**
	 * Whether a matrix is in memory and stays there, so that using it out of turn costs
	 * no read.
	 * @param weight handle of a matrix that the group gave out
	 * @return false if it is streamed, or was not read yet
	 */
	public boolean isPresent(Parameter weight) {
		return this.matrices.present(weight.index());
	}

	/**
	 * Begins to compute with the group.
	 * @param again whether the same weights will be used once more afterwards
	 */
	public void begin(boolean again) {
		this.matrices.keep(again);
	}

	/** Ends the use of the group: nothing of it is used any more. */
	public void end() {
		this.matrices.release();
	}

	/** The matrices of a group, as they come into memory. */
	public interface Matrices {

		/**
		 * Goes through the rows of a matrix.
		 * @param weight index of the matrix in its group
		 * @param visitor gets them in order
		 */
		void forEach(int weight, Visitor visitor);

		/**
		 * Goes through the rows of some matrices.
		 * @param weights indices of different matrices in their group, in the order of
		 * use
		 * @param visitor gets the rows in whatever order they come into memory
		 */
		default void forEach(int[] weights, AnyOrder visitor) {
			for (int i = 0; i < weights.length; i++) {
				int index = i;
				forEach(weights[i], (firstRow, rows) -> visitor.rows(index, firstRow, rows));
			}
		}

		/**
		 * All rows of some matrices at once, if nobody has to wait for a part of them
		 * while others could be computed.
		 * @param weights indices of different matrices in their group, in the order of
		 * use
		 * @return the rows, in memory until {@link #used} is called with the same
		 * weights; null if they have to come one by one
		 */
		default @Nullable List<Rows> together(int[] weights) {
			return null;
		}

		/**
		 * Ends computing with matrices that came together.
		 * @param weights indices of the matrices
		 * @param behind gives a fence behind the work that uses them
		 */
		default void used(int[] weights, Supplier<Fence> behind) {
		}

		/**
		 * Whether a matrix is in memory and stays there.
		 * @param weight index of the matrix in its group
		 * @return true if so
		 */
		default boolean present(int weight) {
			return true;
		}

		/**
		 * Whether what was visited stays for another time.
		 * @param again true to keep it
		 */
		default void keep(boolean again) {
		}

		/** Gives back what was kept. */
		default void release() {
		}

	}

	/**
	 * One fence behind the work so far, for all that asks for it; none if nothing does.
	 */
	private static final class Commit implements Supplier<Fence> {

		private final Device device;

		private @Nullable Fence fence;

		Commit(Device device) {
			this.device = device;
		}

		@Override
		public Fence get() {
			Fence known = this.fence;
			if (known == null) {
				known = this.device.commit();
				this.fence = known;
			}
			return known;
		}

	}

	/**
	 * Rows of a matrix.
	 *
	 * @param index which of the matrices
	 * @param firstRow index of the first one in the whole matrix
	 * @param rows the rows, in memory during the call
	 */
	public record Rows(int index, int firstRow, Matrix rows) {

	}

	/** Gets rows of a matrix. */
	@FunctionalInterface
	public interface Visitor {

		/**
		 * Takes rows.
		 * @param firstRow index of the first one in the whole matrix
		 * @param rows the rows, in memory during the call
		 */
		void rows(int firstRow, Matrix rows);

	}

	/** Gets rows of some matrices. */
	@FunctionalInterface
	public interface AnyOrder {

		/**
		 * Takes rows.
		 * @param index which of the matrices
		 * @param firstRow index of the first one in the whole matrix
		 * @param rows the rows, in memory during the call
		 */
		void rows(int index, int firstRow, Matrix rows);

	}

	/**
	 * A linear layer and what it is applied to.
	 *
	 * @param out F32 [n, rows of the weight]; not {@code x}
	 * @param x F32 [n, columns of the weight]
	 * @param weight handle of a matrix that the group gave out
	 * @param bias handle of a vector that the group gave out, or null
	 * @param transposed whether to multiply with the columns of the matrix, rows and
	 * columns exchanged; such a layer is applied alone
	 */
	public record Product(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias, boolean transposed) {

		public Product(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
			this(out, x, weight, bias, false);
		}

	}

	/**
	 * Linear layers of one of several groups.
	 *
	 * @param weights of the group
	 * @param products its layers, in the order in which the group declared them
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one call.
	public record Use(Weights weights, Product... products) {

	}

}
