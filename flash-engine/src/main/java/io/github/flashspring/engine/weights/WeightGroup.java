package io.github.flashspring.engine.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Weights that are acquired and released as one: usually those of a layer. The model code
 * declares them here, in the order in which it will use them; the weight store finds them
 * in the checkpoint.
 */
public final class WeightGroup {

	private final String name;

	private final String prefix;

	private final Kind kind;

	private final double share;

	private final List<Parameter> parameters = new ArrayList<>();

	/**
	 * Starts an empty layer.
	 * @param name human-readable, such as {@code layers.3}
	 * @param prefix what the names of its tensors begin with, such as
	 * {@code model.layers.3.}
	 */
	public WeightGroup(String name, String prefix) {
		this(Kind.LAYER, name, prefix, 1);
	}

	/**
	 * Starts an empty expert, which is read only when a pass asks for it. The experts of
	 * a layer follow the layer's group.
	 * @param name human-readable
	 * @param prefix what the names of its tensors begin with
	 * @param chosen how many experts of the layer a token needs
	 * @param choices how many experts the layer has
	 */
	public WeightGroup(String name, String prefix, int chosen, int choices) {
		this(Kind.EXPERT, name, prefix, (double) chosen / choices);
	}

	private WeightGroup(Kind kind, String name, String prefix, double share) {
		this.kind = kind;
		this.name = name;
		this.prefix = prefix;
		this.share = share;
	}

	/**
	 * {@return an empty group of what follows the last layer}
	 */
	public static WeightGroup head(String name, String prefix) {
		return new WeightGroup(Kind.HEAD, name, prefix, 1);
	}

	/**
	 * {@return an empty group of the token embedding}
	 */
	public static WeightGroup embedding(String name, String prefix) {
		return new WeightGroup(Kind.EMBEDDING, name, prefix, 1);
	}

	/**
	 * Declares the matrix {@code <prefix><module>.weight}, dense or quantised.
	 * @param module path of the module below the prefix
	 * @param rows number of outputs
	 * @param columns number of inputs
	 * @return its handle
	 */
	public Parameter matrix(String module, int rows, int columns) {
		return add(module + ".weight", false, rows, columns);
	}

	/**
	 * Declares a matrix whose tensor is not named as those of modules are.
	 * @param tensor name of the tensor below the prefix
	 * @param rows number of rows
	 * @param columns number of columns
	 * @return its handle
	 */
	public Parameter tensor(String tensor, int rows, int columns) {
		return add(tensor, false, rows, columns);
	}

	/**
	 * Declares a dense vector.
	 * @param tensor name of the tensor below the prefix
	 * @param length number of values
	 * @return its handle
	 */
	public Parameter vector(String tensor, int length) {
		return add(tensor, true, 1, length);
	}

	/**
	 * Declares rows of the matrix {@code <prefix><module>.weight}, dense or quantised.
	 * @param module path of the module below the prefix
	 * @param total number of rows of the whole matrix
	 * @param firstRow first row wanted
	 * @param rows number of rows wanted
	 * @param columns number of inputs
	 * @return its handle
	 */
	public Parameter rows(String module, int total, int firstRow, int rows, int columns) {
		return add(module + ".weight", false, rows, columns,
				new Parameter.Part(new long[] { total, columns }, firstRow, null));
	}

	/**
	 * Declares one of the matrices that a tensor of three dimensions holds, dense or
	 * quantised.
	 * @param tensor name of the tensor below the prefix
	 * @param count number of matrices
	 * @param index of the matrix wanted
	 * @param rows number of outputs
	 * @param columns number of inputs
	 * @return its handle
	 */
	public Parameter stacked(String tensor, int count, int index, int rows, int columns) {
		return add(tensor, false, rows, columns,
				new Parameter.Part(new long[] { count, rows, columns }, (long) index * rows, null));
	}

	/**
	 * Declares one of the matrices that a tensor of three dimensions holds, and that the
	 * model code finds as well where it has a tensor of its own.
	 * @param tensor name of the tensor below the prefix
	 * @param separate path below the prefix of the module that has the matrix where it is
	 * not stacked
	 * @param count number of matrices
	 * @param index of the matrix wanted
	 * @param rows number of outputs
	 * @param columns number of inputs
	 * @return its handle
	 */
	public Parameter stacked(String tensor, String separate, int count, int index, int rows, int columns) {
		return add(tensor, false, rows, columns,
				new Parameter.Part(new long[] { count, rows, columns }, (long) index * rows, this.prefix + separate));
	}

	/**
	 * Declares one of the dense vectors that a tensor of two dimensions holds, and that
	 * the model code finds as well where it has a tensor of its own.
	 * @param tensor name of the tensor below the prefix
	 * @param separate path below the prefix of the module that has the vector where it is
	 * not stacked
	 * @param count number of vectors
	 * @param index of the vector wanted
	 * @param length number of values
	 * @return its handle
	 */
	public Parameter stackedVector(String tensor, String separate, int count, int index, int length) {
		return add(tensor, true, 1, length,
				new Parameter.Part(new long[] { count, length }, index, this.prefix + separate));
	}

	/**
	 * Declares one of the dense vectors that a tensor of two dimensions holds.
	 * @param tensor name of the tensor below the prefix
	 * @param count number of vectors
	 * @param index of the vector wanted
	 * @param length number of values
	 * @return its handle
	 */
	public Parameter stackedVector(String tensor, int count, int index, int length) {
		return add(tensor, true, 1, length, new Parameter.Part(new long[] { count, length }, index, null));
	}

	/**
	 * Declares a dense tensor whose values are wanted one after the other.
	 * @param tensor name of the tensor below the prefix
	 * @param shape sizes of its dimensions
	 * @return its handle
	 */
	public Parameter flat(String tensor, long... shape) {
		int length = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
		return add(tensor, true, 1, length, new Parameter.Part(shape, 0, null));
	}

	private Parameter add(String tensor, boolean vector, int rows, int columns) {
		return add(tensor, vector, rows, columns, null);
	}

	private Parameter add(String tensor, boolean vector, int rows, int columns, Parameter.@Nullable Part part) {
		Parameter parameter = new Parameter(this.parameters.size(), this.prefix + tensor, vector, rows, columns, part);
		this.parameters.add(parameter);
		return parameter;
	}

	public String name() {
		return this.name;
	}

	Kind kind() {
		return this.kind;
	}

	/**
	 * {@return share of the tokens that need it, if all experts are alike}
	 */
	double share() {
		return this.share;
	}

	List<Parameter> parameters() {
		return Collections.unmodifiableList(this.parameters);
	}

	/** What a group is for. */
	public enum Kind {

		/** Every pass needs it, one after the other. */
		LAYER,

		/** A pass reads it when a token is routed to it. */
		EXPERT,

		/** Passes go through it as often as they need logits. */
		HEAD,

		/** Passes need single rows. */
		EMBEDDING

	}

}
