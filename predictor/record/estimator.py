"""Names an estimator in words, from the text that scikit-learn writes of it."""

import re

from predictor.languages import gettext
from predictor.languages import gettext_noop as _

# Where a function lies in memory differs in each process.
ADDRESS = re.compile(" at 0x[0-9a-f]+")
CALL = re.compile(r"\b([A-Za-z_]\w*)\(")
ENDINGS = ("Regressor", "Classifier", "Regression")
# By the class without the ending that tells regressors from classifiers.
WORDS = {
    "AdaBoost": _("boosted models (AdaBoost)"),
    "ARDRegression": _("Bayesian linear regression"),
    "Bagging": _("bagged models"),
    "BayesianRidge": _("Bayesian linear regression"),
    "BernoulliNB": _("naive Bayes"),
    "CalibratedClassifierCV": _("a calibrated classifier"),
    "CatBoost": _("gradient-boosted trees (CatBoost)"),
    "CategoricalNB": _("naive Bayes"),
    "ComplementNB": _("naive Bayes"),
    "DecisionTree": _("a decision tree"),
    "Dummy": _("always the same guess"),
    "ElasticNet": _("linear regression with an elastic net penalty"),
    "ExtraTrees": _("extremely randomized trees"),
    "GammaRegressor": _("a generalized linear model (gamma)"),
    "GaussianNB": _("naive Bayes"),
    "GaussianProcess": _("a Gaussian process"),
    "GradientBoosting": _("gradient-boosted trees"),
    "HistGradientBoosting": _("gradient-boosted trees"),
    "HuberRegressor": _("robust linear regression (Huber)"),
    "IsotonicRegression": _("isotonic regression"),
    "KNeighbors": _("nearest neighbours"),
    "KernelRidge": _("kernel ridge regression"),
    "LGBM": _("gradient-boosted trees (LightGBM)"),
    "Lasso": _("linear regression with a lasso penalty"),
    "LinearDiscriminantAnalysis": _("linear discriminant analysis"),
    "LinearRegression": _("linear regression"),
    "LinearSVC": _("a linear support vector machine"),
    "LinearSVR": _("a linear support vector machine"),
    "LogisticRegression": _("logistic regression"),
    "MLP": _("a neural network (multi-layer perceptron)"),
    "MultinomialNB": _("naive Bayes"),
    "PLSRegression": _("partial least squares regression"),
    "PoissonRegressor": _("a generalized linear model (Poisson)"),
    "QuadraticDiscriminantAnalysis": _("quadratic discriminant analysis"),
    "QuantileRegressor": _("linear quantile regression"),
    "RandomForest": _("a random forest"),
    "Ridge": _("linear regression with a ridge penalty"),
    "RidgeClassifier": _("a linear classifier with a ridge penalty"),
    "SGD": _("a linear model fitted by stochastic gradient descent"),
    "SVC": _("a support vector machine"),
    "SVR": _("a support vector machine"),
    "Stacking": _("several models, stacked"),
    "TweedieRegressor": _("a generalized linear model (Tweedie)"),
    "Voting": _("several models that vote"),
    "XGB": _("gradient-boosted trees (XGBoost)"),
}


def name_estimator(text: str) -> tuple[str, str]:
    """The words for the estimator in a text such as `Pipeline(steps=[…])`, and the name of its class.

    Steps that prepare the columns are passed over. Where no class has words, they are empty, and the class is the first
    that is called a regressor or a classifier, or else the outermost one.
    """
    called = CALL.findall(text) or [text.strip()]
    for name in called:
        words = WORDS.get(name) or WORDS.get(_strip_ending(name))
        if words:
            return gettext(words), name
    return "", next((name for name in called if name.endswith(ENDINGS)), called[0])


def leave_out_addresses(text: str) -> str:
    """The text that Python writes of an object, which is then the same wherever the object is the same."""
    return ADDRESS.sub("", text)


def _strip_ending(name: str) -> str:
    bare = name.removesuffix("CV")
    return next((bare.removesuffix(each) for each in ENDINGS if bare.endswith(each) and bare not in WORDS), bare)
