package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * The weights of one unit while it computes. Matrices are not handed out, since they may
 * be in memory only row by row: the unit asks for the linear layer instead. Vectors are
 * always in memory.
 */
public final class Weights {

	private final Device device;

	private final @Nullable Tensor[] vectors;

	private final Matrices matrices;

	Weights(Device device, @Nullable Tensor[] vectors, Matrices matrices) {
		this.device = device;
		this.vectors = vectors;
		this.matrices = matrices;
	}

	/**
	 * Applies a linear layer of the unit:
	 * {@code out[r, o] = Σ x[r, i] · weight[o, i] + bias[o]}. Call them in the order in
	 * which the unit declared them: that is the order in which weights are read.
	 * @param out F32 [n, rows of the weight]; not {@code x}
	 * @param x F32 [n, columns of the weight]
	 * @param weight handle of a matrix that the unit gave out
	 * @param bias handle of a vector that the unit gave out, or null
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the weights
	 * cannot be read
	 */
	public void linear(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
		linear(new Product(out, x, weight, bias));
	}

	/**
	 * Applies linear layers of the unit of which none needs what another computes. Their
	 * rows are computed as they come into memory, in any order: no value depends on
	 * another, so that the bits are the same.
	 * @param products the layers, in the order in which the unit declared them
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the weights
	 * cannot be read
	 */
	public void linear(Product... products) {
		int[] weights = new int[products.length];
		for (int i = 0; i < products.length; i++) {
			weights[i] = products[i].weight().index();
		}
		if (!this.matrices.together(weights, (pieces) -> multiply(products, pieces))) {
			this.matrices.forEach(weights, (index, firstRow, rows) -> {
				Device.Matmul layer = layer(products[index], firstRow, rows);
				this.device.matmul(layer.out(), layer.x(), layer.weight(), layer.bias());
			});
		}
	}

	private void multiply(Product[] products, List<Rows> pieces) {
		List<Device.Matmul> layers = new ArrayList<>(pieces.size());
		for (Rows piece : pieces) {
			layers.add(layer(products[piece.index()], piece.firstRow(), piece.rows()));
		}
		this.device.matmul(layers);
	}

	private Device.Matmul layer(Product product, int firstRow, Matrix rows) {
		Parameter bias = product.bias();
		Tensor added = (bias != null) ? vector(bias) : null;
		boolean whole = rows.rows() == product.weight().rows();
		return new Device.Matmul(whole ? product.out() : product.out().columns(firstRow, rows.rows()), product.x(),
				rows, (whole || added == null) ? added : added.columns(firstRow, rows.rows()));
	}

	/**
	 * Multiplies with the columns of a matrix of the unit:
	 * {@code out[r, i] = Σ x[r, o] · weight[o, i] + bias[i]}.
	 * @param out F32 [n, columns of the weight]; not {@code x}
	 * @param x F32 [n, rows of the weight]
	 * @param weight handle of a matrix that the unit gave out
	 * @param bias handle of a vector that the unit gave out, or null
	 */
	public void linearTransposed(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
		if (bias != null) {
			this.device.embed(out, new Matrix.Dense(vector(bias)), new int[out.rows()]);
		}
		this.matrices.forEach(weight.index(), (firstRow, rows) -> this.device.matmulTransposed(out,
				x.columns(firstRow, rows.rows()), rows, bias != null || firstRow > 0));
	}

	/**
	 * A vector of the unit.
	 * @param parameter handle that the unit gave out
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
	 * @param weight handle of a matrix that the unit gave out
	 * @return false if it streams, or was not read yet
	 */
	public boolean isPresent(Parameter weight) {
		return this.matrices.present(weight.index());
	}

	/**
	 * Begins to compute with the unit.
	 * @param again whether the same weights will be used once more afterwards
	 */
	public void begin(boolean again) {
		this.matrices.keep(again);
	}

	/** Ends computing with the unit: nothing of it is used any more. */
	void end() {
		this.matrices.release();
	}

	/** The matrices of a unit, as they come into memory. */
	interface Matrices {

		/**
		 * Goes through the rows of a matrix.
		 * @param weight index of the matrix in its unit
		 * @param visitor gets them in order
		 */
		void forEach(int weight, Visitor visitor);

		/**
		 * Goes through the rows of some matrices.
		 * @param weights indices of different matrices in their unit, in the order of use
		 * @param visitor gets the rows in whatever order they come into memory
		 */
		default void forEach(int[] weights, AnyOrder visitor) {
			for (int i = 0; i < weights.length; i++) {
				int index = i;
				forEach(weights[i], (firstRow, rows) -> visitor.rows(index, firstRow, rows));
			}
		}

		/**
		 * Goes through the rows of some matrices at once, if nobody has to wait for a
		 * part of them while others could be computed.
		 * @param weights indices of different matrices in their unit, in the order of use
		 * @param visitor gets all rows
		 * @return false if they have to come one by one; nothing was visited then
		 */
		default boolean together(int[] weights, Consumer<List<Rows>> visitor) {
			return false;
		}

		/**
		 * Whether a matrix is in memory and stays there.
		 * @param weight index of the matrix in its unit
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
	 * Rows of a matrix.
	 *
	 * @param index which of the matrices
	 * @param firstRow index of the first one in the whole matrix
	 * @param rows the rows, in memory during the call
	 */
	record Rows(int index, int firstRow, Matrix rows) {

	}

	/** Gets rows of a matrix. */
	@FunctionalInterface
	interface Visitor {

		/**
		 * Takes rows.
		 * @param firstRow index of the first one in the whole matrix
		 * @param rows the rows, in memory during the call
		 */
		void rows(int firstRow, Matrix rows);

	}

	/** Gets rows of some matrices. */
	@FunctionalInterface
	interface AnyOrder {

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
	 * @param weight handle of a matrix that the unit gave out
	 * @param bias handle of a vector that the unit gave out, or null
	 */
	public record Product(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {

	}

}
