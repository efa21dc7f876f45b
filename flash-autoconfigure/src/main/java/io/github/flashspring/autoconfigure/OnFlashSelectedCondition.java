package io.github.flashspring.autoconfigure;

import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.core.type.AnnotatedTypeMetadata;

import io.github.flashspring.autoconfigure.diagnostics.FlashSelection;

/**
 * Matches when the application {@linkplain FlashSelection#selected() chose} Flash.
 */
class OnFlashSelectedCondition extends SpringBootCondition {

	@Override
	public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
		FlashSelection selection = FlashSelection.of(context.getEnvironment());
		return new ConditionOutcome(selection.selected(),
				ConditionMessage.forCondition("Flash selected").because(selection.reason()));
	}

}
